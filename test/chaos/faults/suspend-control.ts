/** The control worker stops for longer than a workflow task may take (10 s), and goes on. */
import { lasting } from '../fault.ts';

export const fault = lasting(
  [11_000, 14_000],
  ({ control }) => control.suspend(),
  ({ control }) => control.resume(),
);
