//! Configures the AWS SDK for every client of the process: what the environment says, with explicit limits.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};

use crate::aws::client::PooledClient;
use crate::http::{Http, HttpError};

/// Until an answer begins. Bodies are watched by stalled-stream protection instead.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// One attempt, connecting and sending included.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// At worst they take less than a minute, waits included.
const ATTEMPTS: u32 = 3;
/// A body is given up when nothing of it arrives for so long.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads credentials, region and `AWS_ENDPOINT_URL` from the environment, for use within our limits and over `http`.
///
/// # Errors
/// If TLS cannot be set up.
pub async fn sdk_config(http: &Http) -> Result<SdkConfig, HttpError> {
    Ok(sdk_defaults(http)?.load().await)
}

/// Sets our limits, for a caller that sets the rest itself.
///
/// # Errors
/// If TLS cannot be set up.
pub fn sdk_defaults(http: &Http) -> Result<ConfigLoader, HttpError> {
    Ok(aws_config::defaults(BehaviorVersion::latest())
        .http_client(PooledClient(http.client()?.clone()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .read_timeout(READ_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .build(),
        )
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(STALL_TIMEOUT)
                .build(),
        ))
}
