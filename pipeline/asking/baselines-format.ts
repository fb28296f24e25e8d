import type { Format } from '../../artifacts/format.ts';
import type { KeptBaselines } from '../../contract/pixel-baselines.ts';

export const baselinesFormat: Format<KeptBaselines> = {
  ...{ what: 'the pixel baselines', schema: 1, isImplicit: true },
};
