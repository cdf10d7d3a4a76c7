/** Text for people and logs: passwords in URLs are hidden, wherever in the text the URLs stand. Takes time in proportion to the text. */
export function redact(text: string): string {
  if (!text.includes('://')) return text;
  return text
    .split(/([\s"'<>]+)/)
    .map((part) => (part.includes('://') ? hidePassword(part) : part))
    .join('');
}

/** Up to the last @: a password may hold any of the characters that end other parts of a URL. */
function hidePassword(part: string): string {
  const end = part.lastIndexOf('@');
  for (let at = part.indexOf('://'); at >= 0 && at < end; at = part.indexOf('://', at + 3)) {
    if (!/[a-z0-9+.-]/i.test(part[at - 1] ?? '')) continue;
    const colon = part.indexOf(':', at + 3);
    if (colon < 0 || colon > end) return part;
    if (/[/@]/.test(part.slice(at + 3, colon))) continue;
    return `${part.slice(0, colon)}:***${part.slice(end)}`;
  }
  return part;
}
