import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { href, mayAct, say } from '../state.ts';

/** The head of a screen. */
export function Head({
  title,
  children,
  lead,
}: {
  title: string;
  lead?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <div class="head">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        {lead && <p class="lead">{lead}</p>}
      </div>
      {children && <div class="tools">{children}</div>}
    </div>
  );
}

/** A part of a screen. */
export function Card({
  title,
  children,
  tools,
}: {
  title?: ComponentChildren;
  tools?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="card">
      {(title || tools) && (
        <header>
          {title && <h2>{title}</h2>}
          {tools && <div class="tools">{tools}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** The state of a run, a worker, a step: a word with its colour. */
export function State({ of }: { of: string }) {
  return <span class={`state ${tone(of)}`}>{of}</span>;
}

function tone(state: string): string {
  if (['SUCCESS', 'DONE', 'ok', 'active', 'live'].includes(state)) return 'good';
  if (['FAILURE', 'FAILED', 'problem', 'DIVERGED', 'stuck'].includes(state)) return 'bad';
  if (['RETRY', 'REVOKED', 'warning', 'paused', 'WAITING'].includes(state)) return 'warn';
  return ['STARTED', 'RUNNING', 'running', 'RECEIVED'].includes(state) ? 'busy' : 'calm';
}

/** What there is nothing of, and what to type to change that. */
export function Empty({ children, command }: { children: ComponentChildren; command?: string }) {
  return (
    <div class="empty">
      <p>{children}</p>
      {command && <Command text={command} />}
    </div>
  );
}

/** A line for a terminal, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <span class="command">
      <code>{text}</code>
      <Copy text={text} />
    </span>
  );
}

export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say('Copied.');
    } catch {
      say('The browser did not let this page copy.', true);
    }
  };
  return (
    <button type="button" class="small quiet" onClick={copy} title={`Copy: ${text}`}>
      {label}
    </button>
  );
}

interface ActProps {
  readonly onClick: () => unknown;
  readonly children: ComponentChildren;
  readonly kind?: 'main' | 'danger' | 'quiet';
  readonly small?: boolean;
  readonly disabled?: boolean;
  /** Asked before it is done. */
  readonly ask?: string;
}

/** A button that acts; off for those who only look. */
export function Act({ onClick, children, kind, small, disabled = false, ask }: ActProps) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const may = mayAct.value;
  const run = async () => {
    setBusy(true);
    await onClick();
    setBusy(false);
  };
  return (
    <>
      <button
        type="button"
        class={`${kind ?? ''} ${small ? 'small' : ''}`}
        disabled={!may || disabled || busy}
        title={may ? undefined : 'A viewer looks and does not act'}
        onClick={() => (ask === undefined ? void run() : setAsking(true))}
      >
        {children}
      </button>
      {asking && (
        <Confirm
          text={ask ?? ''}
          label={children}
          danger={kind === 'danger'}
          onDone={(yes) => {
            setAsking(false);
            if (yes) void run();
          }}
        />
      )}
    </>
  );
}

interface ConfirmProps {
  readonly text: string;
  readonly label: ComponentChildren;
  readonly danger: boolean;
  readonly onDone: (yes: boolean) => void;
}

function Confirm({ text, label, danger, onDone }: ConfirmProps) {
  return (
    <Modal title="Are you sure?" onClose={() => onDone(false)}>
      <p>{text}</p>
      <div class="tools end">
        <button type="button" onClick={() => onDone(false)}>
          Cancel
        </button>
        <button type="button" class={danger ? 'danger' : 'main'} onClick={() => onDone(true)}>
          {label}
        </button>
      </div>
    </Modal>
  );
}

/** A dialog over the page; Escape closes it, and focus goes back to where it was. */
export function Modal({
  title,
  children,
  onClose,
}: {
  title: string;
  children: ComponentChildren;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-label={title} onClose={onClose}>
      <h2>{title}</h2>
      {children}
    </dialog>
  );
}

/** What could not be read. */
export function Trouble({ error }: { error: string | undefined }) {
  return error === undefined ? null : (
    <p class="trouble" role="alert">
      {error}
    </p>
  );
}

export function Loading() {
  return <p class="loading">Loading…</p>;
}

/** A run's id as a link to it. */
export function RunLink({ id }: { id: string }) {
  return (
    <a class="id" href={href(['run', id])} title={id}>
      {id.length > 14 ? `…${id.slice(-12)}` : id}
    </a>
  );
}

/** Pairs of a name and a value. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
