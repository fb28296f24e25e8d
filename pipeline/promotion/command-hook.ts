/** Passes one event to one program: the event as JSON on stdin, the exit code as the result. */
import { spawn } from 'node:child_process';

const stderrLengthMax = 300;

/** The environment variables that a hook receives: none of the worker's credentials. */
const passedOn = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

/**
 * Resolves to undefined on exit code 0, else to the reason. Never throws. On a timeout or abort the program and its
 * children are killed.
 */
export function runHook(
  [program = '', ...args]: readonly string[],
  input: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const env = Object.fromEntries(passedOn.flatMap((name) => [[name, process.env[name]]]));
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env, detached: true });
    let stderr = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
    }, timeoutMs);
    const onAbort = (): void => {
      killGroup(child.pid);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const end = (problem: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      const said = stderr.trim();
      resolve(problem === undefined ? undefined : `${program}: ${problem}${said === '' ? '' : ` (${said})`}`);
    };
    child.on('error', (error) => {
      end(error.message);
    });
    child.on('close', (code, signal) => {
      if (isLate) end(`not finished within ${String(timeoutMs / 1000)} s`);
      else end(code === 0 ? undefined : `exit ${String(code ?? signal)}`);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = `${stderr}${text}`.slice(-stderrLengthMax);
    });
    // A program may close its stdin before it has read everything.
    child.stdin.on('error', () => undefined).end(input);
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has already ended.
  }
}
