/** The tables as TypeScript types, for supabase-js. Generated: npx vitest run supabase/tests/cli/types.test.ts -u */

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  kavach: {
    Tables: {
      agents: {
        Row: {
          first_seen_at: string;
          id: string;
          kill_epoch: number;
          kill_reason: string | null;
          killed: boolean;
          killed_at: string | null;
          killed_by: string | null;
          last_key_id: string | null;
          last_seen_at: string;
          name: string;
          org_id: string;
        };
        ComputedFields: never;
        Insert: {
          first_seen_at?: string;
          id?: string;
          kill_epoch?: number;
          kill_reason?: string | null;
          killed?: boolean;
          killed_at?: string | null;
          killed_by?: string | null;
          last_key_id?: string | null;
          last_seen_at?: string;
          name: string;
          org_id: string;
        };
        Update: {
          first_seen_at?: string;
          id?: string;
          kill_epoch?: number;
          kill_reason?: string | null;
          killed?: boolean;
          killed_at?: string | null;
          killed_by?: string | null;
          last_key_id?: string | null;
          last_seen_at?: string;
          name?: string;
          org_id?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'agents_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      alert_events: {
        Row: {
          agent_id: string | null;
          attempts: number;
          budget_id: string;
          created_at: string;
          deliveries: NonNullable<Json>;
          holder: string;
          id: number;
          limit_amount: number;
          next_attempt_at: string;
          org_id: string;
          spent: number;
          state: string;
          threshold: number;
          window_start: string;
        };
        ComputedFields: never;
        Insert: {
          agent_id?: string | null;
          attempts?: number;
          budget_id: string;
          created_at?: string;
          deliveries?: NonNullable<Json>;
          holder?: string;
          id?: never;
          limit_amount: number;
          next_attempt_at?: string;
          org_id: string;
          spent: number;
          state?: string;
          threshold: number;
          window_start: string;
        };
        Update: {
          agent_id?: string | null;
          attempts?: number;
          budget_id?: string;
          created_at?: string;
          deliveries?: NonNullable<Json>;
          holder?: string;
          id?: never;
          limit_amount?: number;
          next_attempt_at?: string;
          org_id?: string;
          spent?: number;
          state?: string;
          threshold?: number;
          window_start?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'alert_events_org_id_agent_id_fkey';
            columns: ['org_id', 'agent_id'];
            isOneToOne: false;
            referencedRelation: 'agents';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'alert_events_org_id_budget_id_fkey';
            columns: ['org_id', 'budget_id'];
            isOneToOne: false;
            referencedRelation: 'budgets';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'alert_events_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      alert_rules: {
        Row: {
          agent_id: string | null;
          budget_id: string | null;
          channel: string;
          cooldown_seconds: number;
          created_at: string;
          enabled: boolean;
          id: string;
          org_id: string;
          target: NonNullable<Json>;
          target_hint: Json | null;
          template: Json | null;
          threshold: number;
        };
        ComputedFields: never;
        Insert: {
          agent_id?: string | null;
          budget_id?: string | null;
          channel: string;
          cooldown_seconds?: number;
          created_at?: string;
          enabled?: boolean;
          id?: string;
          org_id: string;
          target?: NonNullable<Json>;
          target_hint?: never;
          template?: Json | null;
          threshold: number;
        };
        Update: {
          agent_id?: string | null;
          budget_id?: string | null;
          channel?: string;
          cooldown_seconds?: number;
          created_at?: string;
          enabled?: boolean;
          id?: string;
          org_id?: string;
          target?: NonNullable<Json>;
          target_hint?: never;
          template?: Json | null;
          threshold?: number;
        };
        Relationships: [
          {
            foreignKeyName: 'alert_rules_org_id_agent_id_fkey';
            columns: ['org_id', 'agent_id'];
            isOneToOne: false;
            referencedRelation: 'agents';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'alert_rules_org_id_budget_id_fkey';
            columns: ['org_id', 'budget_id'];
            isOneToOne: false;
            referencedRelation: 'budgets';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'alert_rules_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      api_keys: {
        Row: {
          created_at: string;
          created_by: string | null;
          environment: string;
          expires_at: string | null;
          hash: string;
          id: string;
          last_used_at: string | null;
          name: string;
          org_id: string;
          prefix: string;
          replaced_by: string | null;
          revoked_at: string | null;
          scopes: string[];
        };
        ComputedFields: never;
        Insert: {
          created_at?: string;
          created_by?: string | null;
          environment: string;
          expires_at?: string | null;
          hash: string;
          id?: string;
          last_used_at?: string | null;
          name: string;
          org_id: string;
          prefix: string;
          replaced_by?: string | null;
          revoked_at?: string | null;
          scopes?: string[];
        };
        Update: {
          created_at?: string;
          created_by?: string | null;
          environment?: string;
          expires_at?: string | null;
          hash?: string;
          id?: string;
          last_used_at?: string | null;
          name?: string;
          org_id?: string;
          prefix?: string;
          replaced_by?: string | null;
          revoked_at?: string | null;
          scopes?: string[];
        };
        Relationships: [
          {
            foreignKeyName: 'api_keys_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'api_keys_replaced_by_fkey';
            columns: ['replaced_by'];
            isOneToOne: false;
            referencedRelation: 'api_keys';
            referencedColumns: ['id'];
          },
        ];
      };
      billing_events: {
        Row: {
          id: string;
          received_at: string;
          type: string;
        };
        ComputedFields: never;
        Insert: {
          id: string;
          received_at?: string;
          type: string;
        };
        Update: {
          id?: string;
          received_at?: string;
          type?: string;
        };
        Relationships: [];
      };
      budget_windows: {
        Row: {
          budget_id: string;
          estimated: number;
          fired: number[];
          holder: string;
          leased: number;
          spent: number;
          updated_at: string;
          wanted_by: string | null;
          wanted_until: string | null;
          window_end: string;
          window_start: string;
        };
        ComputedFields: never;
        Insert: {
          budget_id: string;
          estimated?: number;
          fired?: number[];
          holder?: string;
          leased?: number;
          spent?: number;
          updated_at?: string;
          wanted_by?: string | null;
          wanted_until?: string | null;
          window_end: string;
          window_start: string;
        };
        Update: {
          budget_id?: string;
          estimated?: number;
          fired?: number[];
          holder?: string;
          leased?: number;
          spent?: number;
          updated_at?: string;
          wanted_by?: string | null;
          wanted_until?: string | null;
          window_end?: string;
          window_start?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'budget_windows_budget_id_fkey';
            columns: ['budget_id'];
            isOneToOne: false;
            referencedRelation: 'budgets';
            referencedColumns: ['id'];
          },
        ];
      };
      budgets: {
        Row: {
          agent_id: string | null;
          created_at: string;
          declared_amount: number | null;
          id: string;
          limit_amount: number;
          managed_by: string;
          name: string;
          org_id: string;
          period: string;
          scope: string;
          time_zone: string;
          unit: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          agent_id?: string | null;
          created_at?: string;
          declared_amount?: number | null;
          id?: string;
          limit_amount: number;
          managed_by?: string;
          name?: string;
          org_id: string;
          period: string;
          scope: string;
          time_zone?: string;
          unit?: string;
          updated_at?: string;
        };
        Update: {
          agent_id?: string | null;
          created_at?: string;
          declared_amount?: number | null;
          id?: string;
          limit_amount?: number;
          managed_by?: string;
          name?: string;
          org_id?: string;
          period?: string;
          scope?: string;
          time_zone?: string;
          unit?: string;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'budgets_org_id_agent_id_fkey';
            columns: ['org_id', 'agent_id'];
            isOneToOne: false;
            referencedRelation: 'agents';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'budgets_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      daily_spend: {
        Row: {
          agent_id: string;
          bucket: string;
          calls: number;
          cost: number;
          estimated_cost: number;
          input_tokens: number;
          model: string;
          org_id: string;
          output_tokens: number;
          provider: string;
          tokens: number;
        };
        ComputedFields: never;
        Insert: {
          agent_id: string;
          bucket: string;
          calls?: number;
          cost?: number;
          estimated_cost?: number;
          input_tokens?: number;
          model: string;
          org_id: string;
          output_tokens?: number;
          provider: string;
          tokens?: number;
        };
        Update: {
          agent_id?: string;
          bucket?: string;
          calls?: number;
          cost?: number;
          estimated_cost?: number;
          input_tokens?: number;
          model?: string;
          org_id?: string;
          output_tokens?: number;
          provider?: string;
          tokens?: number;
        };
        Relationships: [
          {
            foreignKeyName: 'daily_spend_org_id_agent_id_fkey';
            columns: ['org_id', 'agent_id'];
            isOneToOne: false;
            referencedRelation: 'agents';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'daily_spend_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      dead_letters: {
        Row: {
          detail: string;
          event_id: string | null;
          id: number;
          org_id: string;
          payload: Json | null;
          reason: string;
          received_at: string;
        };
        ComputedFields: never;
        Insert: {
          detail: string;
          event_id?: string | null;
          id?: never;
          org_id: string;
          payload?: Json | null;
          reason: string;
          received_at?: string;
        };
        Update: {
          detail?: string;
          event_id?: string | null;
          id?: never;
          org_id?: string;
          payload?: Json | null;
          reason?: string;
          received_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'dead_letters_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      events: {
        Row: {
          agent_id: string;
          at: string;
          calls: number;
          code: string | null;
          cost: number;
          estimated: boolean;
          id: string;
          input_tokens: number | null;
          message: string | null;
          model: string | null;
          org_id: string;
          outcome: string | null;
          output_tokens: number | null;
          prompt: string | null;
          provider: string | null;
          received_at: string;
          run: string;
          started_at: string;
          tags: string[] | null;
          tokens: number;
          tool_calls: number | null;
          type: string;
          user_name: string | null;
        };
        ComputedFields: never;
        Insert: {
          agent_id: string;
          at: string;
          calls?: number;
          code?: string | null;
          cost?: number;
          estimated?: boolean;
          id: string;
          input_tokens?: number | null;
          message?: string | null;
          model?: string | null;
          org_id: string;
          outcome?: string | null;
          output_tokens?: number | null;
          prompt?: string | null;
          provider?: string | null;
          received_at?: string;
          run: string;
          started_at: string;
          tags?: string[] | null;
          tokens?: number;
          tool_calls?: number | null;
          type: string;
          user_name?: string | null;
        };
        Update: {
          agent_id?: string;
          at?: string;
          calls?: number;
          code?: string | null;
          cost?: number;
          estimated?: boolean;
          id?: string;
          input_tokens?: number | null;
          message?: string | null;
          model?: string | null;
          org_id?: string;
          outcome?: string | null;
          output_tokens?: number | null;
          prompt?: string | null;
          provider?: string | null;
          received_at?: string;
          run?: string;
          started_at?: string;
          tags?: string[] | null;
          tokens?: number;
          tool_calls?: number | null;
          type?: string;
          user_name?: string | null;
        };
        Relationships: [];
      };
      hourly_spend: {
        Row: {
          agent_id: string;
          bucket: string;
          calls: number;
          cost: number;
          estimated_cost: number;
          input_tokens: number;
          model: string;
          org_id: string;
          output_tokens: number;
          provider: string;
          tokens: number;
        };
        ComputedFields: never;
        Insert: {
          agent_id: string;
          bucket: string;
          calls?: number;
          cost?: number;
          estimated_cost?: number;
          input_tokens?: number;
          model: string;
          org_id: string;
          output_tokens?: number;
          provider: string;
          tokens?: number;
        };
        Update: {
          agent_id?: string;
          bucket?: string;
          calls?: number;
          cost?: number;
          estimated_cost?: number;
          input_tokens?: number;
          model?: string;
          org_id?: string;
          output_tokens?: number;
          provider?: string;
          tokens?: number;
        };
        Relationships: [
          {
            foreignKeyName: 'hourly_spend_org_id_agent_id_fkey';
            columns: ['org_id', 'agent_id'];
            isOneToOne: false;
            referencedRelation: 'agents';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'hourly_spend_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      kills: {
        Row: {
          action: string;
          agent_id: string;
          at: string;
          by_whom: string | null;
          epoch: number;
          id: number;
          org_id: string;
          reason: string | null;
        };
        ComputedFields: never;
        Insert: {
          action: string;
          agent_id: string;
          at?: string;
          by_whom?: string | null;
          epoch: number;
          id?: never;
          org_id: string;
          reason?: string | null;
        };
        Update: {
          action?: string;
          agent_id?: string;
          at?: string;
          by_whom?: string | null;
          epoch?: number;
          id?: never;
          org_id?: string;
          reason?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: 'kills_org_id_agent_id_fkey';
            columns: ['org_id', 'agent_id'];
            isOneToOne: false;
            referencedRelation: 'agents';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'kills_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      leases: {
        Row: {
          agent_id: string;
          budget_id: string;
          ended_at: string | null;
          expires_at: string;
          granted: number;
          id: string;
          instance: string;
          opened_at: string;
          org_id: string;
          reclaim_at: string;
          seq: number;
          state: string;
          used: number;
          window_start: string;
        };
        ComputedFields: never;
        Insert: {
          agent_id: string;
          budget_id: string;
          ended_at?: string | null;
          expires_at: string;
          granted?: number;
          id: string;
          instance: string;
          opened_at?: string;
          org_id: string;
          reclaim_at: string;
          seq?: number;
          state?: string;
          used?: number;
          window_start: string;
        };
        Update: {
          agent_id?: string;
          budget_id?: string;
          ended_at?: string | null;
          expires_at?: string;
          granted?: number;
          id?: string;
          instance?: string;
          opened_at?: string;
          org_id?: string;
          reclaim_at?: string;
          seq?: number;
          state?: string;
          used?: number;
          window_start?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'leases_org_id_agent_id_fkey';
            columns: ['org_id', 'agent_id'];
            isOneToOne: false;
            referencedRelation: 'agents';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'leases_org_id_budget_id_fkey';
            columns: ['org_id', 'budget_id'];
            isOneToOne: false;
            referencedRelation: 'budgets';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'leases_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      members: {
        Row: {
          created_at: string;
          org_id: string;
          role: string;
          user_id: string;
        };
        ComputedFields: never;
        Insert: {
          created_at?: string;
          org_id: string;
          role?: string;
          user_id: string;
        };
        Update: {
          created_at?: string;
          org_id?: string;
          role?: string;
          user_id?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'members_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      organizations: {
        Row: {
          created_at: string;
          id: string;
          name: string;
          plan_id: string;
        };
        ComputedFields: never;
        Insert: {
          created_at?: string;
          id?: string;
          name: string;
          plan_id?: string;
        };
        Update: {
          created_at?: string;
          id?: string;
          name?: string;
          plan_id?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'organizations_plan_id_fkey';
            columns: ['plan_id'];
            isOneToOne: false;
            referencedRelation: 'plans';
            referencedColumns: ['id'];
          },
        ];
      };
      plans: {
        Row: {
          burst_per_minute: number | null;
          id: string;
          max_agents: number | null;
          max_events_per_day: number | null;
          name: string;
          price_usd: number;
        };
        ComputedFields: never;
        Insert: {
          burst_per_minute?: number | null;
          id: string;
          max_agents?: number | null;
          max_events_per_day?: number | null;
          name: string;
          price_usd: number;
        };
        Update: {
          burst_per_minute?: number | null;
          id?: string;
          max_agents?: number | null;
          max_events_per_day?: number | null;
          name?: string;
          price_usd?: number;
        };
        Relationships: [];
      };
      rate_counters: {
        Row: {
          bucket: string;
          count: number;
          org_id: string;
          slot: number;
          window_start: string;
        };
        ComputedFields: never;
        Insert: {
          bucket: string;
          count?: number;
          org_id: string;
          slot: number;
          window_start: string;
        };
        Update: {
          bucket?: string;
          count?: number;
          org_id?: string;
          slot?: number;
          window_start?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'rate_counters_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      runs: {
        Row: {
          agent_id: string;
          calls: number;
          cost: number;
          denied: number;
          id: string;
          last_event_at: string;
          org_id: string;
          run_id: string;
          started_at: string;
          tags: string[];
          tokens: number;
          tool_calls: number;
          user_name: string | null;
        };
        ComputedFields: never;
        Insert: {
          agent_id: string;
          calls?: number;
          cost?: number;
          denied?: number;
          id: string;
          last_event_at: string;
          org_id: string;
          run_id: string;
          started_at: string;
          tags?: string[];
          tokens?: number;
          tool_calls?: number;
          user_name?: string | null;
        };
        Update: {
          agent_id?: string;
          calls?: number;
          cost?: number;
          denied?: number;
          id?: string;
          last_event_at?: string;
          org_id?: string;
          run_id?: string;
          started_at?: string;
          tags?: string[];
          tokens?: number;
          tool_calls?: number;
          user_name?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: 'runs_org_id_agent_id_fkey';
            columns: ['org_id', 'agent_id'];
            isOneToOne: false;
            referencedRelation: 'agents';
            referencedColumns: ['org_id', 'id'];
          },
          {
            foreignKeyName: 'runs_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: false;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
        ];
      };
      subscriptions: {
        Row: {
          current_period_end: string | null;
          observed_at: string | null;
          org_id: string;
          plan_id: string;
          status: string | null;
          stripe_customer: string | null;
          stripe_subscription: string | null;
        };
        ComputedFields: never;
        Insert: {
          current_period_end?: string | null;
          observed_at?: string | null;
          org_id: string;
          plan_id?: string;
          status?: string | null;
          stripe_customer?: string | null;
          stripe_subscription?: string | null;
        };
        Update: {
          current_period_end?: string | null;
          observed_at?: string | null;
          org_id?: string;
          plan_id?: string;
          status?: string | null;
          stripe_customer?: string | null;
          stripe_subscription?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: 'subscriptions_org_id_fkey';
            columns: ['org_id'];
            isOneToOne: true;
            referencedRelation: 'organizations';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'subscriptions_plan_id_fkey';
            columns: ['plan_id'];
            isOneToOne: false;
            referencedRelation: 'plans';
            referencedColumns: ['id'];
          },
        ];
      };
      user_requests: {
        Row: {
          bucket: string;
          count: number;
          slot: number;
          user_id: string;
          window_start: string;
        };
        ComputedFields: never;
        Insert: {
          bucket: string;
          count?: number;
          slot: number;
          user_id: string;
          window_start: string;
        };
        Update: {
          bucket?: string;
          count?: number;
          slot?: number;
          user_id?: string;
          window_start?: string;
        };
        Relationships: [];
      };
    };
    Views: {
      [_ in never]: never;
    };
    Functions: {
      kill_agent: { Args: { p_agent: string; p_by?: string; p_org: string; p_reason?: string }; Returns: Json };
      release_limit: { Args: { p_budget: string; p_by?: string }; Returns: Json };
      resume_agent: { Args: { p_agent: string; p_by?: string; p_org: string }; Returns: Json };
      set_limit: { Args: { p_budget: string; p_by?: string; p_limit: number }; Returns: Json };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, 'kavach'>];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    keyof (DefaultSchema['Tables'] & DefaultSchema['Views']) | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])[TableName] extends {
      Row: infer R;
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
    ? (DefaultSchema['Tables'] & DefaultSchema['Views'])[DefaultSchemaTableNameOrOptions] extends {
        Row: infer R;
      }
      ? R
      : never
    : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables'] | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
      Insert: infer I;
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
    ? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
        Insert: infer I;
      }
      ? I
      : never
    : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables'] | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
      Update: infer U;
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
    ? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
        Update: infer U;
      }
      ? U
      : never
    : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema['Enums'] | { schema: keyof DatabaseWithoutInternals },
  EnumName extends (DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums']
    : never) = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums'][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema['Enums']
    ? DefaultSchema['Enums'][DefaultSchemaEnumNameOrOptions]
    : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    keyof DefaultSchema['CompositeTypes'] | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends (PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes']
    : never) = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes'][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema['CompositeTypes']
    ? DefaultSchema['CompositeTypes'][PublicCompositeTypeNameOrOptions]
    : never;

export const Constants = {
  kavach: {
    Enums: {},
  },
} as const;
