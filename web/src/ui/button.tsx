/** The app's buttons. Every target is at least 44 px high. */
import type { ButtonHTMLAttributes } from 'react'

type Tone = 'plain' | 'primary' | 'danger' | 'quiet'

const TONES: Record<Tone, string> = {
  plain: 'border border-line bg-surface hover:bg-raised',
  primary: 'bg-accent text-on-accent hover:opacity-90',
  danger: 'border border-red text-red bg-surface hover:bg-red-soft',
  quiet: 'hover:bg-raised text-muted',
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: Tone
}

export function Button({ tone = 'plain', className = '', type = 'button', ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={`inline-flex min-h-11 min-w-11 items-center justify-center gap-2 rounded-lg px-4 font-medium ${TONES[tone]} ${className}`}
      {...rest}
    />
  )
}

/** A square button that shows an icon only, so it must be named. */
export function IconButton({ label, className = '', ...rest }: ButtonProps & { label: string }) {
  return <Button tone="quiet" aria-label={label} title={label} className={`px-0! ${className}`} {...rest} />
}
