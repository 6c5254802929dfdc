/** The files that are pasted; none where a text is. */
export function pastedFiles(event: ClipboardEvent): FileList | null {
  const data = event.clipboardData;
  // Office puts a picture of the text beside it.
  if (!data || data.files.length === 0 || data.types.includes('text/plain')) return null;
  event.preventDefault();
  return data.files;
}

/** Whether files are dragged here; only then may they be dropped. */
export function takesFiles(event: DragEvent): boolean {
  if (!event.dataTransfer?.types.includes('Files')) return false;
  event.preventDefault();
  return true;
}
