import { defineConfig } from 'vite';

/** Addresses are relative, so that the pages work under any path; nothing is inlined, so that the content security policy holds. */
export default defineConfig({
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: { outDir: '../dist/ui', emptyOutDir: true, assetsInlineLimit: 0, modulePreload: false, target: 'es2022' },
});
