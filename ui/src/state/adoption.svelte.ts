import { type AdoptionForm, type AdoptionStep, type AdoptionView, IpcError, ipc } from '../ipc/client';
import { t } from '../i18n/index.svelte';
import { helpFor } from './help.svelte';
import { tell } from './notice.svelte';
import { go, place } from './route.svelte';
import { session } from './session.svelte';
import { errorTitle } from './words';

/** The pages of taking over the old CRM, in their order. */
export const adoptPages = ['source', 'report', 'run', 'accounts', 'secrets', 'end'] as const;
export type AdoptPage = (typeof adoptPages)[number];

/** Where a step of the program is seen. */
const pageOf: Record<AdoptionStep, AdoptPage> = { source: 'source', looking: 'report', looked: 'report', running: 'run', came: 'run', handing_over: 'accounts', handed_over: 'accounts', emptying: 'secrets', emptied: 'secrets' };
const busySteps: readonly AdoptionStep[] = ['looking', 'running', 'handing_over', 'emptying'];

/** Taking over the old CRM's database: what the program does, and which page of it is open. */
class Adoption {
  /** Null until it is known. */
  view = $state.raw<AdoptionView | null>(null);
  page = $state<AdoptPage>('source');
  /** Why the last command was refused. */
  refused = $state.raw<IpcError | null>(null);
  /** A command is on its way. */
  asking = $state(false);

  get busy(): boolean {
    return this.asking || (this.view !== null && busySteps.includes(this.view.step));
  }

  /** Accounts that work here, and those that wait for a person. */
  get live(): number {
    return this.view?.accounts.filter(({ state }) => state === 'live').length ?? 0;
  }

  get broken(): number {
    return this.view?.accounts.filter(({ state }) => state === 'refused' || state === 'same_session').length ?? 0;
  }

  async load(): Promise<void> {
    try {
      this.#enter(await ipc.adoption());
    } catch (thrown) {
      this.refused = IpcError.from(thrown);
    }
  }

  /** Takes what the program tells. Whoever is elsewhere hears of the end. */
  apply(view: AdoptionView): void {
    const before = this.view;
    this.#enter(view);
    const ended = before?.step === 'running' && view.step !== 'running';
    if (!ended || view.stopped || place.route.screen === 'adopt' || session.preferences.firstRun === 'adopt') return;
    const remedy = { label: t('adopt.showIt'), testid: 'adopt-show', run: () => go({ screen: 'adopt' }) };
    if (view.error) tell({ tone: 'danger', text: t('adopt.failedBackground'), detail: errorTitle(view.error.code), help: helpFor(view.error.code), remedy });
    else tell({ tone: 'ok', text: t('adopt.goneBackground'), remedy });
  }

  #enter(view: AdoptionView): void {
    // What was stopped, or failed, is said where it was begun.
    if (this.view?.step !== view.step) this.page = pageOf[this.view?.step === 'emptying' && view.step === 'handed_over' ? 'emptying' : view.step];
    this.view = view;
  }

  async #ask(command: () => Promise<unknown>): Promise<boolean> {
    this.asking = true;
    this.refused = null;
    try {
      await command();
      return true;
    } catch (thrown) {
      this.refused = IpcError.from(thrown);
      return false;
    } finally {
      this.asking = false;
    }
  }

  look = (form: AdoptionForm, password: string): Promise<boolean> => this.#ask(() => ipc.lookAtOld(form, password));
  run = (): Promise<boolean> => this.#ask(() => ipc.runAdoption());
  stop = (): Promise<boolean> => this.#ask(() => ipc.stopAdoption());
  handOver = (): Promise<boolean> => this.#ask(() => ipc.handOverAccounts(true));
  empty = (): Promise<boolean> => this.#ask(() => ipc.emptyOldSecrets(true));

  /** Ends it: the old database's password is forgotten. */
  end = (): Promise<boolean> =>
    this.#ask(async () => {
      this.#enter(await ipc.leaveAdoption());
      this.page = 'source';
    });

  to(page: AdoptPage): void {
    this.refused = null;
    this.page = page;
  }
}

export const adoption = new Adoption();
