/** Questions on a terminal, each with a preset that Enter takes. They go to stderr, as stdout is for results. */
import { createInterface, type Interface } from 'node:readline/promises';
import { Interrupted } from '../show/interrupted.ts';
import { excerpt, terminalText } from '../show/terminal-text.ts';

const presetLengthMax = 60;

export class Dialogue {
  readonly #lines: Interface;
  readonly #output: NodeJS.WritableStream;
  readonly #ended = new AbortController();

  constructor(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.#output = output;
    this.#lines = createInterface({ input, output });
    // Ctrl-C and Ctrl-D.
    this.#lines.on('SIGINT', () => this.#lines.close());
    this.#lines.on('close', () => {
      this.#ended.abort();
    });
  }

  say(text: string): void {
    this.#output.write(`${terminalText(text)}\n`);
  }

  /** The answer, or the preset. Throws Interrupted if the user ends the dialogue. */
  async ask(question: string, preset: string): Promise<string> {
    const shown = preset === '' ? '' : ` [${excerpt(preset, presetLengthMax)}]`;
    try {
      const { signal } = this.#ended;
      const answer = await this.#lines.question(terminalText(`${question}${shown}: `), { signal });
      return answer.trim() === '' ? preset : answer.trim();
    } catch (error) {
      if (this.#ended.signal.aborted) throw new Interrupted();
      throw error;
    }
  }

  /** Asks again, with the reason, until `take` does not throw one that `isRefusal` accepts. */
  async askUntil<T>(
    question: string,
    preset: string,
    take: (answer: string) => T | Promise<T>,
    isRefusal: (error: unknown) => error is Error,
  ): Promise<T> {
    for (;;) {
      const answer = await this.ask(question, preset);
      try {
        return await take(answer);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.say(error.message);
      }
    }
  }

  close(): void {
    this.#lines.close();
  }
}
