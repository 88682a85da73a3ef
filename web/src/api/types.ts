/** Short names for the wire types that the hub's OpenAPI document defines. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Health = Schemas['Health']
export type Session = Schemas['Session']
export type SessionSummary = Schemas['SessionSummary']
export type Message = Schemas['Message']
export type MessagePage = Schemas['MessagePage']
export type AgentState = Schemas['AgentState']
export type PermissionRequest = Schemas['Request']
export type CompletedRequest = Schemas['CompletedRequest']
export type ApproveRequest = Schemas['ApproveRequest']
export type Answers = NonNullable<ApproveRequest['answers']>
export type Decision = Schemas['Decision']
export type Contact = Schemas['Contact']
export type Delivery = Schemas['Delivery']
export type DecisionAnswer = Schemas['DecisionAnswer']
export type Todo = Schemas['Todo']
