/** A worker's metrics, served if an address is set. Traces: tracing.ts. */
import type { TelemetryOptions } from '@temporalio/worker';
import { addressOf, type Env } from '../infra/stack/env.ts';

/** Bucket bounds in seconds: from a cache hit to a long ingestion. */
const secondBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** `MTRL_METRICS_ADDRESS=host:port`: serves the SDK's metrics and ours at /metrics, for Prometheus. Throws USAGE. */
export function metricsOptions(env: Env = process.env): Pick<TelemetryOptions, 'metrics'> {
  const address = addressOf(env, 'MTRL_METRICS_ADDRESS');
  if (!address) return {};
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    metrics: {
      prometheus: {
        bindAddress: `${host}:${String(address.port)}`,
        countersTotalSuffix: true,
        unitSuffix: true,
        useSecondsForDurations: true,
        histogramBucketOverrides: { mtrl_activity: secondBuckets, mtrl_compute: secondBuckets },
      },
    },
  };
}
