/** Nothing passes between the workers and Temporal for one to eight seconds. */
import { lasting } from '../fault.ts';

export const fault = lasting(
  [1_000, 8_000],
  ({ temporalProxy }) => temporalProxy.hold(),
  ({ temporalProxy }) => temporalProxy.release(),
);
