import { describe, expect, it } from 'vitest';
import { prometheusMetrics } from '../../src/telemetry/index.ts';
import { outcomeOf, world } from '../manager/support.ts';

describe('the text for Prometheus', () => {
  it('has every metric with its help, unit and type, and the values of this moment', async () => {
    const w = world();
    const a = await w.add('a');
    const metrics = prometheusMetrics(w.manager);
    await a.callTool('echo');
    const text = await metrics.text();
    const operations = text
      .split('\n')
      .filter((line) => line.includes('mcp_client_operation_duration') && !line.includes('_bucket'));
    const labels =
      'mcp_method_name="tools/call",gen_ai_tool_name="echo",gen_ai_operation_name="execute_tool",holdfast_server_id="a",mcp_protocol_version="2025-11-25"';
    expect(operations).toEqual([
      '# HELP mcp_client_operation_duration Duration of a call, over all its attempts and waits.',
      '# UNIT mcp_client_operation_duration s',
      '# TYPE mcp_client_operation_duration histogram',
      `mcp_client_operation_duration_count{${labels}} 1`,
      `mcp_client_operation_duration_sum{${labels}} 0`,
    ]);
    expect(text).toContain(`mcp_client_operation_duration_bucket{${labels},le="0.01"} 1\n`);
    expect(text).toContain('holdfast_session_state{holdfast_server_id="a",holdfast_session_state="healthy"} 1\n');
    expect(text).not.toContain('target_info');
    await metrics.close();
  });

  it('forgets the gauges of a server that was removed, and none of its counts', async () => {
    const w = world();
    await w.add('a');
    const metrics = prometheusMetrics(w.manager);
    await w.manager.session('a').callTool('echo');
    expect(await metrics.text()).toContain('holdfast_calls_in_flight{holdfast_server_id="a"} 0');
    const removed = w.manager.removeServer('a');
    await w.clock.advance(10_000);
    await removed;
    const text = await metrics.text();
    expect(text).not.toContain('holdfast_calls_in_flight{');
    expect(text).toMatch(/mcp_client_operation_duration_count\{.*holdfast_server_id="a".*\} 1\n/);
    await metrics.close();
  });

  it('is whole for each of two who ask at once', async () => {
    const w = world();
    await w.add('a');
    const metrics = prometheusMetrics(w.manager);
    const [one, other] = await Promise.all([metrics.text(), metrics.text()]);
    expect(one).toContain('holdfast_sessions{holdfast_session_state="healthy"} 1\n');
    expect(other).toBe(one);
    await metrics.close();
  });

  it('tells 2 500 servers apart', async () => {
    const w = world({ config: { maxConnections: 2_500, healthMonitoring: false } });
    const added = Array.from({ length: 2_500 }, (_, number) =>
      w.add(`s${number}`, { waitForReady: false, lazy: true }),
    );
    await Promise.all(added);
    const metrics = prometheusMetrics(w.manager);
    const text = await metrics.text();
    expect(text.match(/^holdfast_session_state\{/gmu)?.length).toBe(2_500);
    expect(text).not.toContain('overflow');
    await metrics.close();
  });

  it('can be asked after the manager was closed, until it is closed itself', async () => {
    const w = world();
    const a = await w.add('a');
    const metrics = prometheusMetrics(w.manager);
    await a.callTool('echo');
    const closed = outcomeOf(w.manager.close());
    await w.clock.settle();
    closed.value();
    expect(await metrics.text()).toContain('mcp_client_session_duration_count{');
    await metrics.close();
    await metrics.close();
    await expect(metrics.text()).rejects.toThrow('MetricReader is shutdown');
  });
});
