/** Logs one line of JSON per event to stderr, for the worker and for the Temporal SDK inside it. */
import { writeSync } from 'node:fs';
import { type Logger as TemporalLogger, Runtime } from '@temporalio/worker';
import { type Logger, pino } from 'pino';
import { metricsOptions } from './telemetry.ts';

export function createLog(name: string): Logger {
  const level = process.env['MTRL_LOG_LEVEL'] ?? 'info';
  return pino({ name, level, formatters: { level: (label) => ({ level: label }) } }, { write: writeLine });
}

/**
 * Drops a line that cannot be written, for example to a full disk. pino's own destination keeps it, and its flush at
 * exit repeats the write for as long as it fails, so that the worker could not exit.
 */
function writeLine(line: string): void {
  const bytes = Buffer.from(line);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(process.stderr.fd, bytes, done);
  } catch {
    // There is nowhere to report it.
  }
}

/** Call it once per process, before the first connection. The worker handles signals itself (serve.ts). */
export function installRuntime(log: Logger): Runtime {
  return Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: 'WARN', forward: {} }, ...metricsOptions() },
  });
}

function temporalLogger(log: Logger): TemporalLogger {
  // The SDK logs routine events as INFO: what each worker polls, and each activity's start and end.
  const levels = { TRACE: 'trace', DEBUG: 'trace', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
  const write = (level: keyof typeof levels, message: string, meta?: Record<string | symbol, unknown>): void => {
    log[levels[level]]({ ...meta }, message);
  };
  return {
    log: write,
    trace: (message, meta) => {
      write('TRACE', message, meta);
    },
    debug: (message, meta) => {
      write('DEBUG', message, meta);
    },
    info: (message, meta) => {
      write('INFO', message, meta);
    },
    warn: (message, meta) => {
      write('WARN', message, meta);
    },
    error: (message, meta) => {
      write('ERROR', message, meta);
    },
  };
}
