/** Memory that this process and its engines may use. */
import { totalmem } from 'node:os';

/** Bytes of the machine, or of the container if it is limited to less. */
export function memoryByteLength(): number {
  // 0 or a huge number if nothing limits the container.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
