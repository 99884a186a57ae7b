import { createHash } from 'node:crypto'

/**
 * The one script of our pages. A button with `data-passkey` is shown where the browser knows passkeys;
 * pressed, it fills the field of its form and sends the form, as any other button would.
 */
export const PASSKEY_SCRIPT = `'use strict';
(() => {
  const known = window.PublicKeyCredential;
  if (!known || !known.parseRequestOptionsFromJSON || !known.parseCreationOptionsFromJSON) return;
  for (const box of document.querySelectorAll('[data-passkey]')) {
    const { passkey: how, options } = box.dataset;
    const form = box.closest('form');
    const button = box.querySelector('button');
    const said = box.querySelector('[role=status]');
    box.hidden = false;
    button.addEventListener('click', async () => {
      button.disabled = true;
      said.textContent = '';
      try {
        const wanted = JSON.parse(options);
        const credential = how === 'create'
          ? await navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(wanted) })
          : await navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(wanted) });
        form.elements.namedItem('passkey').value = JSON.stringify(credential.toJSON());
        // Without asking for the other fields: nothing of them is needed.
        form.submit();
      } catch {
        said.textContent = said.dataset.failed;
        button.disabled = false;
      }
    });
  }
})();
`

const digest = createHash('sha256').update(PASSKEY_SCRIPT).digest()

/** Named for what it holds, so that it may be kept for ever. */
export const PASSKEY_PATH = `/oauth/passkey-${digest.toString('hex').slice(0, 16)}.js`
export const PASSKEY_INTEGRITY = `sha256-${digest.toString('base64')}`
