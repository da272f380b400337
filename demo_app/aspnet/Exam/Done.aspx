<%@ Page Language="C#" MasterPageFile="~/Site.master" Inherits="ExamPage" Title="Handed in" %>
<asp:Content ContentPlaceHolderID="MainContent" runat="server">
    <h1>Thank you</h1>
    <p>Your examination was handed in with <%= Attempt.Answers.Count %> answers.</p>
</asp:Content>
