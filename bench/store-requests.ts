/** S3 requests that a local MinIO has served, from its own metrics: those of all clients. */
import { createHmac } from 'node:crypto';
import type { StackSettings } from '../infra/stack/settings.ts';

export interface StoreTraffic {
  readonly requestCount: number;
  readonly receivedByteLength: number;
  readonly sentByteLength: number;
  /** Requests by S3 operation. */
  readonly byOperation: Readonly<Record<string, number>>;
}

export async function storeTraffic({ endpoint, accessKey, secretKey }: StackSettings['s3']): Promise<StoreTraffic> {
  const response = await fetch(new URL('/minio/v2/metrics/node', endpoint), {
    headers: { authorization: `Bearer ${tokenOf(accessKey, secretKey)}` },
  });
  if (!response.ok) throw new Error(`the metrics of ${endpoint} answer ${String(response.status)}`);
  const text = await response.text();
  const byOperation = Object.fromEntries(
    [...text.matchAll(/^minio_s3_requests_total\{[^}]*api="([^"]+)"[^}]*\} (\S+)$/gm)].map(
      ([, operation = '', count = '0']) => [operation, Number(count)],
    ),
  );
  return {
    requestCount: Object.values(byOperation).reduce((sum, count) => sum + count, 0),
    receivedByteLength: valueIn(text, 'minio_s3_traffic_received_bytes'),
    sentByteLength: valueIn(text, 'minio_s3_traffic_sent_bytes'),
    byOperation,
  };
}

export function trafficBetween(before: StoreTraffic, after: StoreTraffic): StoreTraffic {
  const operations = Object.entries(after.byOperation).map(
    ([operation, count]) => [operation, count - (before.byOperation[operation] ?? 0)] as const,
  );
  return {
    requestCount: after.requestCount - before.requestCount,
    receivedByteLength: after.receivedByteLength - before.receivedByteLength,
    sentByteLength: after.sentByteLength - before.sentByteLength,
    byOperation: Object.fromEntries(operations.filter(([, count]) => count > 0)),
  };
}

function valueIn(metrics: string, name: string): number {
  const [, value] = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(metrics) ?? [];
  if (value === undefined) throw new Error(`the store's metrics have no ${name}`);
  return Number(value);
}

/** The bearer token of MinIO's metrics: a JWT of the root user, as `mc admin prometheus generate` makes it. */
function tokenOf(accessKey: string, secretKey: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: accessKey, iss: 'prometheus', exp: Math.floor(Date.now() / 1000) + 86_400 };
  const signed = `${part({ alg: 'HS512', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha512', secretKey).update(signed).digest('base64url')}`;
}
