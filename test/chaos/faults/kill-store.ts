/** The store dies and is started again. */
import type { Fault } from '../fault.ts';

export const fault: Fault = {
  isCrash: true,
  async strike(stack) {
    await stack.killServer('minio');
    return true;
  },
};
