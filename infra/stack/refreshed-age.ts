/** Whether a store refreshes the age of an object that is copied onto itself: `mtrl gc` keeps what was used lately. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CopyDestinationOptions, CopySourceOptions } from 'minio';
import { storeClient } from './minio.ts';
import type { StoreSettings } from './s3-settings.ts';

/** Ages may be in whole seconds. */
const waitMs = 1_100;

/** Tries it on an object of its own, which it removes. */
export async function refreshesAge(target: StoreSettings): Promise<boolean> {
  const client = storeClient(target, { timeoutMs: 5_000 });
  const place = { Bucket: target.bucket, Object: `doctor/${randomBytes(8).toString('hex')}` };
  const ageOf = async () => (await client.statObject(place.Bucket, place.Object)).lastModified.getTime();
  await client.putObject(place.Bucket, place.Object, Buffer.from('age'));
  try {
    const before = await ageOf();
    await sleep(waitMs);
    const onto = new CopyDestinationOptions({ ...place, MetadataDirective: 'REPLACE' });
    await client.copyObject(new CopySourceOptions(place), onto);
    return (await ageOf()) > before;
  } finally {
    await client.removeObject(place.Bucket, place.Object);
  }
}
