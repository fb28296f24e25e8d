/**
 * `doctor`: checks the installation and says how to fix it. It changes nothing; the report is plain JSON.
 * fail: something that the project needs is missing or broken. warn: it works, or will after following the hint.
 */
import { checkMachine } from './machine.ts';
import { checkCheckpoint, checkModules } from './modules.ts';
import { checkPrograms } from './programs.ts';
import { checkProviders } from './providers.ts';
import { checkServices } from './services.ts';
import { readSettings, type StackSettings, stackHome } from '../stack/settings.ts';

export interface DoctorCheck {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly hint?: string;
}

export interface DoctorReport {
  /** Whether no check failed. */
  readonly ok: boolean;
  readonly home: string;
  readonly checks: readonly DoctorCheck[];
}

export async function doctor(settings?: StackSettings): Promise<DoctorReport> {
  const home = settings?.home ?? stackHome();
  const known = settings ?? settingsOrError();
  const [programs, modules, providers, services] = await Promise.all([
    checkPrograms(),
    checkModules(),
    checkProviders(),
    checkServices(home, known),
  ]);
  const checks = [...[checkMachine(home), programs, modules, providers, services], checkCheckpoint()].flat();
  return { ok: checks.every(({ status }) => status !== 'fail'), home, checks };
}

export function formatReport({ checks }: DoctorReport): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const indent = ' '.repeat(width + 8);
  const lines = checks.flatMap(({ name, status, found, hint }) => [
    `${status.padEnd(4)}  ${name.padEnd(width)}  ${found.replaceAll('\n', `\n${indent}`)}`,
    ...(hint === undefined ? [] : [`${indent}-> ${hint}`]),
  ]);
  const count = (wanted: DoctorCheck['status']) => checks.filter(({ status }) => status === wanted).length;
  lines.push('', `${String(count('ok'))} ok, ${String(count('warn'))} warnings, ${String(count('fail'))} failures`);
  return `${lines.join('\n')}\n`;
}

function settingsOrError(): StackSettings | Error {
  try {
    return readSettings();
  } catch (error) {
    return error as Error;
  }
}
