import type { AdoptionForm, AdoptionProgress, AdoptionReport, AdoptionStep, AdoptionView, ErrorCode, HandoverView, RemarkView, ThingName, ThingView, WhyName } from '../bindings';
import { type World, fail } from './backend';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const MESSAGES = 48_213;

const remark = (why: WhyName, count: number, comesOver: boolean, ...examples: string[]): RemarkView => ({ why, count, comesOver, examples });
const thing = (name: ThingName, found: number, lost = 0, ...remarks: RemarkView[]): ThingView => ({ thing: name, found, new: found - lost, known: 0, remarks });

const would: AdoptionReport = {
  things: [
    thing('telegram_accounts', 3, 0, remark('no_session', 1, true, 'Київ, прийом'), remark('no_api_id', 1, true, 'Львів')),
    thing('mailboxes', 4, 1, remark('bad_address', 1, false, 'office(at)bureau'), remark('no_imap_server', 2, true, 'info@bureau.example', 'docs@bureau.example')),
    thing('colleagues', 5),
    thing('clients', 1_204, 31, remark('no_handle', 31, false, 'Петренко О. І.', 'ТОВ «Обрій»', 'без імені')),
    thing('conversations', 2_950, 104, remark('other_network', 62, false, 'whatsapp'), remark('no_messages', 42, false, '+48600100200', 'a@example.org'), remark('same_conversation', 17, true, 'phone:+380000000098')),
    thing('messages', MESSAGES, 88, remark('no_conversation', 71, false, '10231', '10232', '10240'), remark('no_date', 17, false, '8841'), remark('never_sent', 9, true, '40112'), remark('unknown_telegram_account', 412, true, '3', '4')),
    thing('files', 6_120, 240, remark('no_file', 240, false, '/media/2023/04/паспорт_переклад_остаточний_варіант_3.pdf', '/media/attachments/8f1c.bin')),
    thing('notes', 310),
  ],
  colleagues: ['Ірина Коваль', 'Марко Дуб', 'Софія Лозова', 'Олег Ярий', 'Ганна Світ'],
};

const known = (report: AdoptionReport): AdoptionReport => ({ ...report, things: report.things.map((one) => ({ ...one, known: one.new, new: 0, remarks: one.remarks.filter((remark) => !remark.comesOver) })) });

/** Taking over the old CRM. `?adopt=` chooses the step it begins at, `?old=` the code with which looking fails; with `?adoptHeld` a run ends
 * when the test says so. */
export function adoptionCommands(world: World) {
  const query = new URLSearchParams(location.search);
  const began = (query.get('adopt') as AdoptionStep | null) ?? 'source';
  const accounts = (): HandoverView[] => {
    const [one, two] = world.bureau.accounts;
    const of = (name: string, isMailbox: boolean, state: HandoverView['state'], code: ErrorCode | null = null, detail = ''): HandoverView => ({ account: (isMailbox ? one?.id : two?.id) ?? name, name, isMailbox, state, code, detail, emptied: 0 });
    return [
      of('Київ', false, 'live'),
      of('Київ, прийом', false, 'refused', 'no_secret', 'there is no session; sign in anew'),
      of('Львів', false, 'same_session', null, 'Київ'),
      of('info@bureau.example', true, 'live'),
      of('docs@bureau.example', true, 'refused', 'sign_in', 'A1 NO [AUTHENTICATIONFAILED] Authentication failed.'),
      of('archive@bureau.example', true, 'kept'),
    ];
  };
  const progress = (phase: AdoptionProgress['phase'], done: number): AdoptionProgress => ({ phase, done, total: phase === 'opening' ? 0 : MESSAGES, perSecond: phase === 'opening' ? 0 : 4_120 });
  const walked = (phase: AdoptionProgress['phase'], done: number): AdoptionProgress => ({ phase, done, total: accounts().length, perSecond: 0 });
  const later = ['handed_over', 'emptying', 'emptied'].includes(began);
  let stopped = false;
  let runs = began === 'came' || later ? 1 : 0;
  let view: AdoptionView = {
    step: began,
    from: began === 'source' ? '' : 'postgres://reader@127.0.0.1:5432/crm',
    media: began === 'source' ? null : '/srv/crm/media',
    clientLink: null,
    progress: began === 'looking' ? progress('looking', 12_500) : began === 'running' ? progress('messages', 31_500) : began === 'handing_over' ? walked('trying', 2) : began === 'emptying' ? walked('emptying', 3) : null,
    report: ['looked', 'came'].includes(began) || later ? would : null,
    accounts: later ? accounts() : [],
    left: 0,
    stopping: false,
    stopped: null,
    error: null,
    came: runs > 0 ? MESSAGES - 88 : 0,
    waiting: runs > 0 ? 1_204 : 0,
  };
  const set = (change: Partial<AdoptionView>) => {
    view = { ...view, ...change };
    world.listeners?.adoptionChanged(structuredClone(view));
  };
  const begin = (step: AdoptionStep) => {
    if (view.progress !== null) fail('adoption_busy');
    stopped = false;
    set({ step, progress: progress('opening', 0), stopping: false, stopped: null, error: null });
  };
  /** Walks through the messages; false where somebody stopped it. */
  const walk = async (phase: AdoptionProgress['phase']) => {
    for (let done = 0; done <= MESSAGES; done += MESSAGES / 5) {
      await pause(5);
      if (stopped) return false;
      set({ progress: progress(phase, Math.round(done)) });
    }
    if (query.has('adoptHeld')) await new Promise<void>((resolve) => (world.adoptionEnds = resolve));
    return !stopped;
  };
  /** Walks through the accounts from one on, and returns where it came to. With `?adoptHeld` the one at `held` takes until the test says so. */
  const walkAccounts = async (phase: AdoptionProgress['phase'], from: number, held: number) => {
    for (let done = from; done < accounts().length; done++) {
      set({ progress: walked(phase, done) });
      await pause(5);
      if (query.has('adoptHeld') && done === held) await new Promise<void>((resolve) => (world.adoptionEnds = resolve));
      if (stopped) return done + 1;
    }
    return accounts().length;
  };
  const report = () => (runs > 0 ? known(would) : would);
  return {
    adoption: async () => view,
    chooseOldFolder: async () => '/srv/crm/media',
    lookAtOld: async (form: AdoptionForm, password: string) => {
      if (form.clientLink?.includes('bad')) fail('invalid_input', 'clientLink');
      view = { ...view, from: form.from, media: form.media, clientLink: form.clientLink };
      begin('looking');
      void (async () => {
        const code = password === 'right' ? null : (query.get('old') as ErrorCode | null);
        const whole = await walk('looking');
        if (code) set({ step: 'source', progress: null, error: { code, detail: 'password authentication failed for user "reader"' } });
        else if (!whole) set({ step: 'source', progress: null, stopping: false, stopped: 'looking' });
        else set({ step: 'looked', progress: null, report: report() });
      })();
      return null;
    },
    runAdoption: async () => {
      const before = view.step;
      begin('running');
      void (async () => {
        if (!(await walk('messages'))) return set({ step: before, progress: null, stopping: false, stopped: 'running' });
        const came = report();
        runs += 1;
        set({ step: 'came', progress: null, report: came, came: MESSAGES - 88, waiting: 1_204 });
      })();
      return null;
    },
    stopAdoption: async () => {
      stopped = true;
      set({ stopping: true });
      // An account that is being tried comes to its end first.
      if (view.step === 'looking' || view.step === 'running') world.adoptionEnds();
      return null;
    },
    handOverAccounts: async (listenersStopped: boolean) => {
      if (!listenersStopped) fail('invalid_input', 'listenersStopped');
      const from = view.left > 0 ? view.accounts.length : 0;
      begin('handing_over');
      void walkAccounts('trying', from, 1).then((done) => {
        const left = accounts().length - done;
        set({ step: 'handed_over', progress: null, accounts: accounts().slice(0, done), left, stopping: false, stopped: left > 0 ? 'handing_over' : null });
      });
      return null;
    },
    emptyOldSecrets: async (sendsNoMore: boolean) => {
      if (!sendsNoMore) fail('invalid_input', 'sendsNoMore');
      begin('emptying');
      void walkAccounts('emptying', 0, 0).then((done) => {
        if (query.get('role') === 'reader') set({ step: 'handed_over', progress: null, error: { code: 'old_database_read_only', detail: 'permission denied for table telegram_accounts' } });
        else {
          const emptied = view.accounts.map((one, at) => (one.state === 'live' && at < done ? { ...one, emptied: one.isMailbox ? 1 : 2 } : one));
          set({ step: stopped ? 'handed_over' : 'emptied', progress: null, accounts: emptied, stopping: false, stopped: stopped ? 'emptying' : null });
        }
      });
      return null;
    },
    leaveAdoption: async () => {
      if (view.progress === null) view = { ...view, step: 'source', accounts: [], report: null, left: 0, stopping: false, stopped: null, error: null };
      return view;
    },
    saveAdoptionReport: async () => ({ folder: '/home/bureau', saved: 1, failed: null }),
  };
}
