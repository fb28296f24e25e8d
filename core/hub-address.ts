/**
 * Addresses of the Hugging Face Hub: `hf:org/name@revision` for a model, `hf:datasets/org/name@revision/path` for files of
 * a dataset, both with or without a revision and a path. A slash in a revision is written %2F.
 */

export interface HubAddress {
  readonly type: 'model' | 'dataset';
  /** `org/name`. */
  readonly name: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** Path of a file or folder in the repository, or a pattern; empty for the whole repository. */
  readonly path: string;
}

const scheme = 'hf:';
const pattern = /^hf:(?<datasets>datasets\/)?(?<name>[\w.-]+\/[\w.-]+)(?:@(?<revision>[^/@]+))?(?:\/(?<path>.*))?$/;
const hubRevisionDefault = 'main';

export function isHubAddress(text: string): boolean {
  return text.startsWith(scheme);
}

/** Undefined if the text is not an address of the Hub. */
export function parseHubAddress(text: string): HubAddress | undefined {
  const { datasets, name, revision: written = hubRevisionDefault, path = '' } = pattern.exec(text)?.groups ?? {};
  const revision = decoded(written);
  if (name === undefined || revision === undefined) return undefined;
  if ([name, revision, path].some(hasDots)) return undefined;
  const type = datasets === undefined ? 'model' : 'dataset';
  return { type, name, revision, path: path.replace(/\/+$/, '') };
}

export function hubAddressText({ type, name, revision, path }: HubAddress): string {
  const repository = `${scheme}${type === 'dataset' ? 'datasets/' : ''}${name}@${encodeURIComponent(revision)}`;
  return path === '' ? repository : `${repository}/${path}`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Whether a part would lead elsewhere. */
function hasDots(path: string): boolean {
  return path.split('/').some((part) => part === '.' || part === '..');
}
