/** The rows that were chosen to be worked on together, by id. */
export class Selection {
  ids = $state.raw<ReadonlySet<string>>(new Set());
  /** From where a range is drawn: the row that was chosen last by itself. */
  #anchor: string | null = null;
  /** What was chosen before the range was drawn. */
  #before: ReadonlySet<string> = new Set();

  get any(): boolean {
    return this.ids.size > 0;
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }

  /** Takes a row in, or out again. */
  toggle(id: string): void {
    const ids = new Set(this.ids);
    if (!ids.delete(id)) ids.add(id);
    this.#enter(ids, id);
  }

  /** Draws the range from the anchor to a row, in the place of the range that was drawn before from there. */
  extend(order: readonly string[], from: string | null, to: string): void {
    if (this.#anchor === null || !order.includes(this.#anchor)) {
      this.#anchor = from !== null && order.includes(from) ? from : to;
      this.#before = this.ids;
    }
    const [a, b] = [order.indexOf(this.#anchor), order.indexOf(to)].sort((x, y) => x - y) as [number, number];
    this.ids = new Set([...this.#before, ...order.slice(a, b + 1)]);
  }

  all(order: readonly string[]): void {
    this.#enter(new Set(order), this.#anchor);
  }

  clear(): void {
    if (this.any) this.#enter(new Set(), null);
    this.#anchor = null;
  }

  /** Lets go of what is not in the list any more: nobody works on what they cannot see. */
  keep(present: ReadonlySet<string>): void {
    if (![...this.ids].every((id) => present.has(id))) this.#enter(new Set([...this.ids].filter((id) => present.has(id))), this.#anchor);
  }

  #enter(ids: ReadonlySet<string>, anchor: string | null): void {
    this.ids = ids;
    this.#before = ids;
    this.#anchor = anchor;
  }
}
