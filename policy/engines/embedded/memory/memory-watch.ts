/** Memory that a process really holds, and an end to one that holds more than it may. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const intervalMs = 250;

/** Resident memory of a process now; undefined when it is gone. */
export function residentByteLength(pid: number): number | undefined {
  return statusByteLength(pid, 'VmRSS');
}

/** The most it has held since it began. Linux; elsewhere what it holds now. */
export function peakByteLength(pid: number): number | undefined {
  return statusByteLength(pid, 'VmHWM');
}

function statusByteLength(pid: number, field: 'VmRSS' | 'VmHWM'): number | undefined {
  try {
    const kibibytes =
      process.platform === 'linux'
        ? new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return kibibytes === undefined || kibibytes === '' ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}

/** Calls back once, when the process is found to hold more; returns how to stop looking. */
export function watchMemory(pid: number, byteLengthMax: number, onExceeded: (byteLength: number) => void): () => void {
  const timer = setInterval(() => {
    const byteLength = residentByteLength(pid) ?? 0;
    if (byteLength <= byteLengthMax) return;
    clearInterval(timer);
    onExceeded(byteLength);
  }, intervalMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
