/** Replaces the revisions of Hub addresses in a recipe by their commits, so that a run reads the same bytes for ever. */
import type { Hub } from '../../artifacts/hub/hub.ts';
import { hubAddressText, isHubAddress } from '../../core/hub-address.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { hubPlace } from './hub-place.ts';

/** @param needed `data` leaves the policy as it is */
export async function withPinnedAddresses(
  recipe: Recipe,
  opened: Hub | undefined,
  needed: 'all' | 'data' = 'all',
): Promise<Recipe> {
  const commits = new Map<string, Promise<string>>();
  const pinned = async (place: string): Promise<string> => {
    if (!isHubAddress(place)) return place;
    const { hub, address } = hubPlace(opened, place);
    const repository = hubAddressText({ ...address, path: '' });
    const commit = commits.get(repository) ?? hub.commitOf(address);
    commits.set(repository, commit);
    return hubAddressText({ ...address, revision: await commit });
  };
  const { policy } = recipe;
  const datasets = recipe.datasets.map(async (dataset) =>
    dataset.reader === 'judge-world'
      ? dataset
      : {
          ...dataset,
          path: await pinned(dataset.path),
          ...(dataset.imageFolder !== undefined && { imageFolder: await pinned(dataset.imageFolder) }),
        },
  );
  const isPinned = policy !== undefined && 'checkpoint' in policy && needed === 'all';
  return {
    ...recipe,
    ...(isPinned && { policy: { ...policy, checkpoint: await pinned(policy.checkpoint) } }),
    datasets: await Promise.all(datasets),
  };
}
