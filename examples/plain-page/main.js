// The element does the work; this only joins a button to it.
const samples = document.querySelector('ganx-samples');
const button = document.querySelector('button');

button.addEventListener('click', async () => {
  button.disabled = true;
  // What goes wrong stands in the element itself.
  await samples.next().catch(() => undefined);
  button.disabled = false;
});
