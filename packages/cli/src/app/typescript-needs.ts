import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Syntax that stripping types does not take away: Node refuses it. */
const beyondStripping: readonly RegExp[] = [
  /^[^\S\n]*@[A-Za-z_$(]/m, // a decorator
  /^[^\S\n]*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/m,
  /^[^\S\n]*(?:export\s+)?namespace\s+\w/m,
  /^[^\S\n]*import\s+\w+\s*=\s*require\(/m,
  /constructor\s*\([^)]*\b(?:private|protected|public|readonly)\s+\w/, // parameter properties
];

/**
 * Whether a TypeScript module, or one that it imports by a relative path, asks for more than Node's own type stripping
 * does: decorators, enums, imports without the file's extension, ES modules in a package marked as CommonJS.
 */
export function needsCompiler(file: string, seen: Set<string> = new Set()): boolean {
  if (seen.has(file)) return false;
  seen.add(file);
  const source = withoutComments(readFileSync(file, 'utf8'));
  if (beyondStripping.some((pattern) => pattern.test(source))) return true;
  if (/\.tsx$/.test(file) || (!file.endsWith('.mts') && inCommonJsPackage(file))) return true;
  return relativeImports(source).some((specifier) => {
    const target = fileURLToPath(new URL(specifier, pathToFileURL(file)));
    if (!existsSync(target)) return true; // './other' or './other.js' for other.ts
    return /\.m?ts$/.test(target) && needsCompiler(target, seen);
  });
}

/** Whether the nearest package.json says `"type": "commonjs"`, as the one of `npm init -y` does. */
function inCommonJsPackage(file: string): boolean {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return /"type"\s*:\s*"commonjs"/.test(readFileSync(manifest, 'utf8'));
    if (folder === dirname(folder)) return false;
  }
}

function relativeImports(source: string): readonly string[] {
  return [...source.matchAll(/\b(?:from|import)\s*(?:\(\s*)?['"](\.{1,2}\/[^'"]+)['"]/g)].map(
    (match) => match[1] as string,
  );
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?(?:\*\/|$)/g, '').replaceAll(/^[^\S\n]*\/\/.*$/gm, '');
}
