// Runs in the page: tries what no page of ours may, and says what it was kept from.
globalThis.trespass = async () => {
  const seen = []
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
    seen.push(effectiveDirective)
  })
  const script = document.createElement('script')
  script.textContent = 'window.wasRun = true'
  document.body.append(script)
  const image = new Image()
  image.src = 'https://evil.example/x.png'
  document.body.append(image)
  const form = document.createElement('form')
  form.action = 'https://evil.example/'
  document.body.append(form)
  form.submit()
  const frame = document.createElement('iframe')
  frame.src = '/oauth/sign-in'
  document.body.append(frame)
  while (new Set(seen).size < 4) {
    await new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', resolve, { once: true })
    })
  }
  return [...new Set(seen)]
}
