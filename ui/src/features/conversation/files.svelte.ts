import type { FileView } from '../../ipc/client';

export { attempt, saving } from '../../state/saving';

/** The question whether to open a file that the system could run. */
class Question {
  /** The file's name while an answer is waited for. */
  name = $state<string | null>(null);
  #answered: (yes: boolean) => void = () => undefined;

  ask(name: string): Promise<boolean> {
    this.answer(false);
    this.name = name;
    return new Promise((resolve) => (this.#answered = resolve));
  }

  answer(yes: boolean): void {
    this.name = null;
    this.#answered(yes);
  }
}

export const question = new Question();

/** Whether a file may be opened: one that the system could run only after a person agreed. */
export const mayOpen = async (file: FileView): Promise<boolean> => !file.risky || question.ask(file.name);
