export function versionText({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name}@${String(version)}`;
}
