/** Processor time of a stack's processes, the engine's child processes included. */
import { execFileSync } from 'node:child_process';
import { livingDaemon } from '../infra/process/daemon.ts';
import { cpuTimeMs } from '../policy/engines/embedded/cpu-time.ts';

/** `engine`: the children of the compute worker. */
const processes = ['control', 'compute', 'engine', 'temporal', 'minio'] as const;
export type ProcessorTimesMs = Readonly<Record<(typeof processes)[number], number>>;

/** Processor time since each process started, in milliseconds; processes that have exited are not counted. */
export function processorTimesMs(home: string): ProcessorTimesMs {
  const pidOf = (name: string): number => livingDaemon(home, name)?.pid ?? -1;
  const timeOf = (pid: number): number => cpuTimeMs(pid) ?? 0;
  const engines = childrenOf(pidOf('compute')).map(timeOf);
  return {
    control: timeOf(pidOf('control')),
    compute: timeOf(pidOf('compute')),
    engine: engines.reduce((sum, time) => sum + time, 0),
    temporal: timeOf(pidOf('temporal')),
    minio: timeOf(pidOf('minio')),
  };
}

export function difference(after: ProcessorTimesMs, before: ProcessorTimesMs): ProcessorTimesMs {
  const entries = processes.map((name) => [name, after[name] - before[name]] as const);
  return Object.fromEntries(entries) as unknown as ProcessorTimesMs;
}

function childrenOf(parent: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = rows.map((row) => row.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []));
}
