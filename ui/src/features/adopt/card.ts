/** Whether a text is the address of a page with a place for a client's key. */
export function isCardLink(text: string): boolean {
  if (!text.includes('{id}')) return false;
  try {
    const url = new URL(text.replaceAll('{id}', '1'));
    return (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '';
  } catch {
    return false;
  }
}
