//! The hub's description of itself, read for what there is to be tried.

use serde_json::{Map, Value, json};

/// One operation of the description.
pub struct Operation {
    pub verb: String,
    pub path: String,
    pub parameters: Vec<String>,
    /// The valid body, when the operation takes one.
    pub body: Option<Value>,
    /// The failures of its own making that it is described with.
    pub server_errors: Vec<u16>,
    pub is_required: Vec<String>,
}

pub fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let list = |key: &str| operation[key].as_array().cloned().unwrap_or_default();
            let parameters = list("parameters")
                .iter()
                .filter(|parameter| parameter["in"] == "query")
                .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                .collect();
            let schema = operation["requestBody"]["content"]
                .as_object()
                .and_then(|content| content.values().next())
                .map(|content| resolved(document, &content["schema"]));
            let is_required = schema.iter().flat_map(|schema| strings(&schema["required"])).collect();
            let server_errors = operation["responses"]
                .as_object()
                .map(|responses| responses.keys().filter_map(|key| key.parse().ok()).collect::<Vec<u16>>())
                .unwrap_or_default()
                .into_iter()
                .filter(|status| *status >= 500)
                .collect();
            all.push(Operation {
                verb: verb.to_uppercase(),
                path: path.clone(),
                parameters,
                body: schema.map(|schema| example(document, &schema, 0)),
                server_errors,
                is_required,
            });
        }
    }
    all
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The schema behind references and choices.
fn resolved(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return resolved(document, &document["components"]["schemas"][name]);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(first) = schema[choice].as_array().and_then(|all| all.first()) {
            return resolved(document, first);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = Map::new();
        let mut required = Vec::new();
        for part in parts {
            let part = resolved(document, part);
            whole.extend(part["properties"].as_object().cloned().unwrap_or_default());
            required.extend(strings(&part["required"]));
        }
        return json!({ "type": "object", "properties": whole, "required": required });
    }
    schema.clone()
}

/// A value that fits a schema, with every optional field.
fn example(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolved(document, schema);
    if depth > 6 {
        return Value::Null;
    }
    for known in ["example", "const", "default"] {
        if let Some(value) = schema.get(known) {
            return value.clone();
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
        kind => kind.as_str().unwrap_or_default().to_owned(),
    };
    match kind.as_str() {
        "object" => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            let fields = fields.into_iter().map(|(name, field)| {
                let value = example(document, &field, depth + 1);
                (name, value)
            });
            Value::Object(fields.collect())
        }
        "array" => json!([example(document, &schema["items"], depth + 1)]),
        "string" => json!("x"),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        _ => json!({}),
    }
}
