import { render } from 'preact';
import { App } from './app.tsx';
import { follow } from './state.ts';
import './style/base.css';
import './style/menu.css';
import './style/screens.css';
import './style/fields.css';
import './style/tables.css';
import './style/drawings.css';
import './style/over.css';
import './style/phones.css';

const root = document.getElementById('app');
if (root) render(<App />, root);
void follow(); // never ends, never rejects
