/** Styles are vite's matter. */
declare module '*.css';
