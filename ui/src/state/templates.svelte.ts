import { IpcError, type Template, ipc } from '../ipc/client';

/** Texts that are written again and again. */
class Templates {
  all = $state.raw<readonly Template[]>([]);
  error = $state.raw<IpcError | null>(null);
  /** Whether they were ever read. */
  loaded = $state(false);
  #epoch = 0;

  /** Reads them as they are now: another desktop may have changed them. */
  async read(): Promise<void> {
    const epoch = ++this.#epoch;
    try {
      const all = await ipc.templates();
      if (epoch !== this.#epoch) return;
      this.all = all;
      this.loaded = true;
      this.error = null;
    } catch (thrown) {
      if (epoch === this.#epoch) this.error = IpcError.from(thrown);
    }
  }

  /** Keeps a template, new or changed; fails with an `IpcError`. */
  async save(template: Template): Promise<void> {
    await ipc.saveTemplate(template);
    await this.read();
  }

  async remove(template: Template): Promise<void> {
    await ipc.removeTemplate(template.id);
    await this.read();
  }

  byShortcut(shortcut: string): Template | undefined {
    return this.all.find((template) => template.shortcut === shortcut);
  }
}

export const templates = new Templates();

/** Templates that hold every word that was typed, in their name, shortcut or text; those whose name does come first. */
export function matching(all: readonly Template[], typed: string): Template[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (text: string) => words.every((word) => text.toLowerCase().includes(word.replace(/^\//, '')));
  const found = all.filter((template) => holds(`${template.name}\n${template.shortcut ?? ''}\n${template.body}`));
  const named = (template: Template) => holds(`${template.name}\n${template.shortcut ?? ''}`);
  return [...found.filter(named), ...found.filter((template) => !named(template))];
}
