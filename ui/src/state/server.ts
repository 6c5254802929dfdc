/** Whether a text is the address of a Postgres server with a role and a database, and without a password. */
export function isServerUrl(text: string): boolean {
  const match = /^postgres(?:ql)?:\/\/([^/?#]+)\/([^/?#]+)(?:\?\S*)?$/.exec(text);
  if (!match) return false;
  const authority = match[1] ?? '';
  const at = authority.lastIndexOf('@');
  return at > 0 && !authority.slice(0, at).includes(':') && authority.length > at + 1 && !/\s/.test(text);
}
