/** A compute process dies, for example by the out-of-memory killer. */
import { type Fault, firstOf } from '../fault.ts';

export const fault: Fault = {
  isCrash: true,
  victim: 'compute',
  strike: async ({ compute }) => (await firstOf(() => compute.killChild())) === true,
};
