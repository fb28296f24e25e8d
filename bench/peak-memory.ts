/** The peak of a process's resident memory in parts of its life, on Linux. */
import { writeFileSync } from 'node:fs';
import { required } from '../core/assert.ts';
import { peakByteLength, residentByteLength } from '../policy/engines/embedded/memory/memory-watch.ts';

export class PeakMemory {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Lowers the kernel's high-water mark to the current memory (proc_pid_clear_refs(5)). */
  startPeak(): void {
    writeFileSync(`/proc/${String(this.#pid)}/clear_refs`, '5');
  }

  /** Bytes since startPeak, and now. */
  read(): { readonly peak: number; readonly now: number } {
    const [peak, now] = [peakByteLength(this.#pid), residentByteLength(this.#pid)];
    return { peak: required(peak, 'a living process'), now: required(now, 'a living process') };
  }
}
