// What the agents find in a developer's home: settings that point each of them at the scripted model and nowhere else.
import fs from 'node:fs'
import path from 'node:path'

export function agentEnvironment(model) {
    return {
        ANTHROPIC_BASE_URL: model.url,
        ANTHROPIC_AUTH_TOKEN: 'scripted',
        IS_SANDBOX: '1',
        DISABLE_AUTOUPDATER: '1',
        DISABLE_TELEMETRY: '1',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        ENABLE_TOOL_SEARCH: 'false',
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
        OPENCODE_DISABLE_LSP_DOWNLOAD: '1'
    }
}

export function furnishHome(home, { project, model }) {
    const write = (name, content) => {
        const file = path.join(home, name)
        fs.mkdirSync(path.dirname(file), { recursive: true })
        fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    }
    write('.gitconfig', '[user]\nname = Tester\nemail = tester@localhost\n[init]\ndefaultBranch = main\n')

    write('.claude.json', {
        hasCompletedOnboarding: true,
        projects: { [project]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } }
    })
    write('.claude/skills/greeting/SKILL.md', '---\nname: greeting\ndescription: Greets people.\n---\nSay hello.\n')
    write('.claude/commands/tidy.md', '---\ndescription: Tidies up.\n---\nTidy up.\n')

    write('.codex/config.toml', [
        'model = "scripted-1"', 'model_provider = "scripted"', 'check_for_update_on_startup = false',
        'sandbox_mode = "workspace-write"',
        '[analytics]', 'enabled = false',
        '[model_providers.scripted]', 'name = "Scripted"', `base_url = "${model.url}/v1"`, 'wire_api = "responses"',
        `[projects."${project}"]`, 'trust_level = "trusted"', ''
    ].join('\n'))

    write('.config/opencode/opencode.json', {
        model: 'scripted/first',
        small_model: 'scripted/first',
        enabled_providers: ['scripted'],
        autoupdate: false,
        share: 'disabled',
        permission: { bash: 'ask', edit: 'ask' },
        provider: {
            scripted: {
                name: 'Scripted',
                npm: '@ai-sdk/openai-compatible',
                options: { baseURL: `${model.url}/v1`, apiKey: 'scripted' },
                models: { first: { name: 'First' }, second: { name: 'Second' } }
            }
        }
    })
}
