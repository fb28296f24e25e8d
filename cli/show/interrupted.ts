/** Thrown on Ctrl-C while following a workflow; exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
