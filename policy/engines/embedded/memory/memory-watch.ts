/** Measures the resident memory of a process and detects when it exceeds a limit. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const intervalMs = 250;

/** Current resident memory of a process; undefined if the process is gone. */
export function residentByteLength(pid: number): number | undefined {
  return statusByteLength(pid, 'VmRSS');
}

/** Peak resident memory since the process started; the current one on systems other than Linux. */
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

/** Calls `onExceeded` once, when the process exceeds the limit. Returns a function that stops watching. */
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
