/**
 * Failpoints at every boundary of the protocols: each request at which something can be lost fails once, in turn, and
 * the protocol is made again. What it answers and leaves in the store must be what an undisturbed attempt answers and
 * leaves.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { disturbed, settled } from './disturbed.ts';
import { failpoints } from './failing-store.ts';
import { journey } from './journey.ts';

// Times are in manifests and documents, and the timers of attempts that were killed must not go on.
vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'], now: 1_700_000_000_000 });
const disk = await mkdtemp(join(tmpdir(), 'mtrl-failpoints-'));
afterAll(() => rm(disk, { recursive: true, force: true }));

const protocols = await journey(disk);
const cases = protocols.flatMap((protocol) =>
  (protocol.failpoints ?? failpoints).map((failpoint) => ({ name: protocol.name, protocol, failpoint })),
);

it.each(cases)(
  '$name ends as if undisturbed, $failpoint at each request in turn',
  async ({ name, protocol, failpoint }) => {
    const expected = { answer: settled(protocol.answer), objects: protocol.after.digests(), problems: [] };
    let pointCount = 0;
    for (let isMet = true; isMet; pointCount += Number(isMet)) {
      const folder = await mkdtemp(join(disk, 'disturbed-'));
      const { answer, objects, problems, ...found } = await disturbed(protocol, failpoint, pointCount, folder);
      const label = `${name}, ${failpoint} at request ${String(pointCount)}`;
      expect({ answer: settled(answer), objects: objects.digests(), problems }, label).toEqual(expected);
      ({ isMet } = found);
      vi.clearAllTimers();
    }
    expect(pointCount).toBeGreaterThan(0);
  },
);
