import { afterAll } from 'vitest';
import { openTinker } from '../../policy/engines/tinker/open.ts';
import { quick, startTinkerServer, tinkerEnvironment, tinkerSubject } from '../support/tinker-fixture.ts';
import { expectNone } from '../support/expect-none.ts';
import { engineConformance } from './engine-conformance.ts';

for (const isOther of [false, true]) {
  const server = await startTinkerServer({ divides: isOther, compresses: isOther });
  afterAll(async () => {
    await server.close();
    expectNone(server.problems);
  });
  engineConformance(`tinker, losses ${isOther ? 'divided by sequence, passes compressed' : 'summed'}`, {
    open: (surroundings) => openTinker(surroundings, quick),
    environment: { ...tinkerEnvironment(server), MTRL_TINKER_REDUCTION: isOther ? 'sequence-mean' : 'sum' },
    ...tinkerSubject,
    logProbTolerance: 1e-4,
  });
}
