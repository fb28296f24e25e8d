import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { putFolder } from '../../artifacts/store/files.ts';
import { openTinker } from '../../policy/engines/tinker/open.ts';
import {
  quick,
  startTinkerServer,
  storeTinkerCheckpoint,
  tinkerCheckpoint,
  tinkerEnvironment,
  tinkerTokens,
} from '../support/tinker-fixture.ts';
import { expectNone } from '../support/expect-none.ts';
import { engineConformance } from './engine-conformance.ts';

/** A stored checkpoint of a model that is none. */
async function broken(store: ArtifactStore) {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-broken-'));
  try {
    await cp(tinkerCheckpoint, folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), '{"model_type":"none"}');
    return { checkpoint: await putFolder(store, folder), optimizer: null };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const prompts = [
  { tokenIds: [5, 9, 17], images: [] },
  { tokenIds: [8, 30, 41, 12, 33], images: [] },
];
const subject = {
  ...{ kind: 'tinker', broken, stored: storeTinkerCheckpoint, tokens: tinkerTokens, prompts },
  ...{ promptTokenCountMax: 8, labelTokenIds: [7, 9] as const },
};

for (const divides of [false, true]) {
  const server = await startTinkerServer({ divides });
  afterAll(async () => {
    await server.close();
    expectNone(server.problems);
  });
  engineConformance(`tinker, losses ${divides ? 'divided by sequence' : 'summed'}`, {
    open: (surroundings) => openTinker(surroundings, quick),
    environment: { ...tinkerEnvironment(server), MTRL_TINKER_REDUCTION: divides ? 'sequence-mean' : 'sum' },
    ...subject,
    logProbTolerance: 1e-4,
  });
}

/** Set by test/tinker-server.sh, which starts SkyRL's server with the fixture's weights. */
const real = process.env['MTRL_TINKER_TEST_URL'];
if (real !== undefined) {
  engineConformance('tinker, the real server', {
    open: openTinker,
    environment: {
      ...{ MTRL_TINKER_URL: real, MTRL_TINKER_BASE_MODEL: tinkerCheckpoint, MTRL_TINKER_REDUCTION: 'sequence-mean' },
      MTRL_TINKER_LOSSES: 'cross_entropy,importance_sampling,ppo,cispo',
    },
    ...subject,
    // Rollouts and training are different kernels.
    logProbTolerance: 1e-2,
  });
}
