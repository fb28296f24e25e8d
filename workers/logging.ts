/** One line of JSON an event, to stderr: what a worker says, and what the Temporal SDK says inside it. */
import { type Logger as TemporalLogger, Runtime } from '@temporalio/worker';
import { type Logger, pino } from 'pino';
import { metricsOptions } from './telemetry.ts';

/** Lines that cannot be written are kept until they can be, up to this length; further ones are dropped. */
const unwrittenByteLengthMax = 1 << 20;

export function createLog(name: string): Logger {
  const level = process.env['MTRL_LOG_LEVEL'] ?? 'info';
  // Bounded, and without a failure of its own: a full disk under the log file must not end the worker.
  const destination = pino.destination({ dest: 2, maxLength: unwrittenByteLengthMax });
  destination.on('error', () => undefined);
  return pino({ name, level, formatters: { level: (label) => ({ level: label }) } }, destination);
}

/** Once a process, before the first connection. Signals are the worker's own business (serve.ts). */
export function installRuntime(log: Logger): Runtime {
  return Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: 'WARN', forward: {} }, ...metricsOptions() },
  });
}

function temporalLogger(log: Logger): TemporalLogger {
  // The SDK calls routine things information: which worker polls what, and each activity's start and end.
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
