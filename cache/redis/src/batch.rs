//! Commands that go to their nodes in one round trip.

use futures_util::future::try_join_all;
use redis::aio::ConnectionLike;
use redis::{Cmd, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};

use crate::link::{Link, Node};
use crate::name::{Name, Shard};

/// Commands, each for the node of its shard. Those of one shard run in their order.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    link: &'a Link,
    commands: Vec<Vec<(usize, Cmd)>>,
    count: usize,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(link: &'a Link) -> Self {
        Self { link, commands: link.nodes.iter().map(|_| Vec::new()).collect(), count: 0 }
    }

    pub(crate) fn add(&mut self, shard: Shard, command: Cmd) {
        self.commands[self.link.place(shard)].push((self.count, command));
        self.count += 1;
    }

    /// Runs all; answers in the order in which they were added, or the first error.
    pub(crate) async fn run(self) -> RedisResult<Vec<Value>> {
        let nodes = self.link.nodes.iter().zip(self.commands).filter(|(_, commands)| !commands.is_empty());
        let runs = nodes.map(|(node, commands)| async move {
            let (places, commands): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
            let answers = run_on(node, commands).await?;
            Ok::<_, RedisError>(places.into_iter().zip(answers).collect::<Vec<_>>())
        });
        let mut answers: Vec<_> = try_join_all(runs).await?.into_iter().flatten().collect();
        answers.sort_unstable_by_key(|(place, _)| *place);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }
}

/// Runs commands on one node, those again whose script the node has forgotten.
async fn run_on(node: &Node, commands: Vec<Cmd>) -> RedisResult<Vec<Value>> {
    let mut answers = send(node, &commands).await?;
    let forgotten: Vec<usize> = (0..answers.len()).filter(|&at| is_forgotten(&answers[at])).collect();
    if !forgotten.is_empty() {
        node.reload_scripts().await?;
        let again: Vec<Cmd> = forgotten.iter().map(|&at| commands[at].clone()).collect();
        for (at, answer) in forgotten.into_iter().zip(send(node, &again).await?) {
            answers[at] = answer;
        }
    }
    answers.into_iter().map(Value::extract_error).collect()
}

async fn send(node: &Node, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
    let mut connection = node.connection().handle();
    if let [command] = commands {
        return Ok(vec![connection.req_packed_command(command).await?]);
    }
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command.clone());
    }
    connection.req_packed_commands(&pipeline, 0, commands.len()).await
}

fn is_forgotten(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// The values of keys, in the order of their names.
pub(crate) async fn get(link: &Link, names: &[Name]) -> RedisResult<Vec<Value>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(node) = link.single() {
        let command = mget(link, names);
        let mut connection = node.connection().handle();
        let answer = connection.send_packed_command(&command).await?.extract_error()?;
        return array(answer, names.len());
    }
    let groups = link.groups(names);
    let mut batch = Batch::new(link);
    for group in &groups {
        let of_group: Vec<Name> = group.iter().map(|&at| names[at]).collect();
        batch.add(of_group[0].shard, mget(link, &of_group));
    }
    let mut values = vec![Value::Nil; names.len()];
    for (group, answer) in groups.iter().zip(batch.run().await?) {
        for (&at, value) in group.iter().zip(array(answer, group.len())?) {
            values[at] = value;
        }
    }
    Ok(values)
}

fn mget(link: &Link, names: &[Name]) -> Cmd {
    let mut command = link.command("MGET", names.len());
    link.add_keys(&mut command, names);
    command
}

/// The answer to `GET`. Something else than a string is nothing of ours.
pub(crate) fn value(answer: Value) -> RedisResult<Value> {
    match answer {
        Value::ServerError(error) if error.code() == "WRONGTYPE" => Ok(Value::Nil),
        answer => answer.extract_error(),
    }
}

/// An array of so many values.
pub(crate) fn array(answer: Value, length: usize) -> RedisResult<Vec<Value>> {
    match answer {
        Value::Array(values) if values.len() == length => Ok(values),
        _ => Err(crate::error::unexpected("an array")),
    }
}

/// The bytes of a value that is there.
pub(crate) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}
