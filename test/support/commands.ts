/** Runs an operator's two commands in processes of their own: `mtrl`, and the real `temporal`. */
import { spawn } from 'node:child_process';
import { findOrMakeBinary } from '../../infra/binaries/binaries.ts';
import type { StackSettings } from '../../infra/stack/settings.ts';
import { compiled } from './compiled.ts';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const surroundings = { PATH: process.env['PATH'], HOME: process.env['HOME'] };

const mtrl = compiled('cli/main.ts');

/** Runs `mtrl` with the stack of that home; verbs may start it. */
export function mtrlOn(home: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return ran(process.execPath, [mtrl, ...args], { ...surroundings, MTRL_HOME: home, ...extra });
}

/** Runs `mtrl` with these servers as if someone else ran them: it starts none. */
export function mtrlWith({ home, temporal, taskQueues }: StackSettings, args: readonly string[]): Promise<Ended> {
  const { address, namespace } = temporal;
  const { control: MTRL_TASK_QUEUE } = taskQueues;
  const servers = { MTRL_HOME: home, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, MTRL_TASK_QUEUE };
  return ran(process.execPath, [mtrl, ...args], { ...surroundings, ...servers });
}

export async function temporalOn(
  { temporal }: { readonly temporal: Pick<StackSettings['temporal'], 'address' | 'namespace'> },
  args: readonly string[],
): Promise<Ended> {
  const { path } = await findOrMakeBinary('temporal', () => undefined);
  const { address, namespace } = temporal;
  return ran(path, args, { ...surroundings, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace });
}

export function ran(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (part: Buffer) => (said.out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (said.err += part.toString()));
  return new Promise((resolve, failed) => {
    child.on('error', failed);
    child.on('close', (code) => {
      resolve({ code, ...said });
    });
  });
}
