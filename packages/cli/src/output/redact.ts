/** Text for people and logs: passwords in URLs are hidden, wherever in the text the URLs stand. */
export function redact(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:@/"'<>]*):[^\s"'<>]*@/gi, '$1:***@');
}
