/** The loss of an algorithm's parts. */
import type { Loss } from '../engine.ts';
import type { AlgorithmSettings, Parts } from './parts.ts';

/** Fields with their default value are left out, as in records from when there were no others. */
export function lossOfParts(
  { ratio, clip, klEstimator, klIn }: Parts,
  { clipLow, clipHigh, klCoefficient: coefficient }: AlgorithmSettings,
): Loss {
  const klCoefficient = klIn === 'loss' ? coefficient : 0;
  return {
    ...{ name: 'ppo', clipLow, clipHigh, klCoefficient },
    ...(ratio !== 'token' && { ratio }),
    ...(clip !== 'min' && { clip }),
    ...(klCoefficient > 0 && klEstimator !== 'k3' && { klEstimator }),
  };
}
