import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { takeToken } from './api/auth'
import { auth } from './api/client'
import { App } from './app'
import './styles.css'

// A token in the address is taken once, before anything can read or share the address. It replaces an older one.
const { token, address } = takeToken(window.location.href)
window.history.replaceState(null, '', address)
if (token) auth.signOut()

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App offeredToken={token} />
    </StrictMode>,
  )
}
